x = "included"
