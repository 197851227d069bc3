TEXT = "as source"
