"""The commands of `model`: each module asks for its arguments, another folder does the work."""
