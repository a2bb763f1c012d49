"""What flows through the house and what all rooms share; it knows none of them."""
