DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
MONTHS = ("January", "February", "March", "April", "May", "June", "July", "August", "September",
          "October", "November", "December")


def date(year, month, day, weekday):
    return "{}, {} {} {}".format(DAYS[weekday], day, MONTHS[month - 1], year)


def clock(seconds):
    return "{:02d}:{:02d}:{:02d}".format(seconds // 3600 % 24, seconds // 60 % 60, seconds % 60)
