# a variant
