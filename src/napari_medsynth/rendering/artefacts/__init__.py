"""What scanners do to images, one artefact a file."""
