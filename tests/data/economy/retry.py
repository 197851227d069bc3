class GaveUp(Exception):
    pass


def retry(times, *exceptions):
    def decorate(function):
        def wrapper(*args, **kwargs):
            last = None
            for _ in range(times):
                try:
                    return function(*args, **kwargs)
                except exceptions as e:
                    last = e
            raise GaveUp(last)

        return wrapper

    return decorate
