WORDS = ["hello", "good evening"]
