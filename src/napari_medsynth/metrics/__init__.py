"""How alike two label maps are, how sure that is, and how far apart two sets of images."""
