class PID:
    """A controller with limits and anti-windup."""

    def __init__(self, kp, ki, kd, low=-100.0, high=100.0):
        self.kp, self.ki, self.kd = kp, ki, kd
        self.low, self.high = low, high
        self.reset()

    def reset(self):
        self.integral = 0.0
        self.last = None

    def __call__(self, error, dt):
        assert dt > 0, "time goes forward"
        self.integral += error * dt
        slope = 0.0 if self.last is None else (error - self.last) / dt
        self.last = error
        out = self.kp * error + self.ki * self.integral + self.kd * slope
        if out > self.high or out < self.low:
            self.integral -= error * dt
        return min(max(out, self.low), self.high)
