import ray
import requests


@ray.remote
class Counter:
    def __init__(self):
        self.value = 0

    def inc(self):
        self.value += 1
        return self.value


counter = Counter.remote()
for _ in range(5):
    print("counter", ray.get(counter.inc.remote()))
print("requests", requests.__version__)
