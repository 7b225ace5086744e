"""What a run came to, for people: lines on a console, a page, plots."""
