"""The commands of `model`, by what they are for; each does its work in another module."""
