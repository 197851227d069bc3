# Which way is down.
