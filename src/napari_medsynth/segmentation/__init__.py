"""Images become labels: networks, training on rendered and real images, inference, evaluation."""
