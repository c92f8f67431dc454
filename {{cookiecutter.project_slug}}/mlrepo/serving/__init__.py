"""Answer requests with a version. Read `request_rows` (what is asked), `served_version`, `app`."""
