from .goals import Goals as Goals, Memory as Memory
