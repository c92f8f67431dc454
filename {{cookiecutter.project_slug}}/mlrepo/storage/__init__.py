"""DVC's cache and its remote: what is there, what is sent, and what is wrong."""
