"""What is told of a run: scores, pictures, and the HTML page."""
