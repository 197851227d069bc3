print("main runs")
