"""What banks tell by themselves: taken in once, in whatever order it comes."""
