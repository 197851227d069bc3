# A board's files would be here.
