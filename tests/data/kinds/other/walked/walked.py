X = "walked"
