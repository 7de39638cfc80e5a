"""Operations at banks: prepared before they are sent, known after, and never guessed in between."""
