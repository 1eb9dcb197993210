"""Writes events.tfevents with TensorBoard's own messages and record writer.

Versions: tensorboard 2.21.0 (pip install tensorboard). Run: python tensorboard-events.py
Given an argument, reads that event file instead and prints its scalars: how our own files are checked by hand.
"""
import os
import sys

import tensorboard
from tensorboard.compat.proto import event_pb2, summary_pb2
from tensorboard.summary.writer.record_writer import RecordWriter

here = os.path.dirname(os.path.abspath(__file__))

if len(sys.argv) > 1:
    from tensorboard.backend.event_processing.event_file_loader import EventFileLoader
    for event in EventFileLoader(sys.argv[1]).Load():
        print(event.step, event.file_version, event.session_log.status, [(v.tag, v.tensor.float_val or v.simple_value) for v in event.summary.value])
    sys.exit()

print('tensorboard', tensorboard.__version__)
Value = summary_pb2.Summary.Value
events = [
    event_pb2.Event(wall_time=1.5, file_version='brain.Event:2'),
    event_pb2.Event(wall_time=2.25, step=3, session_log=event_pb2.SessionLog(status=event_pb2.SessionLog.START)),
    event_pb2.Event(wall_time=1700000000.125, step=0, summary=summary_pb2.Summary(value=[Value(tag='loss', simple_value=2.5)])),
    event_pb2.Event(wall_time=1700000001.0, step=123456789012, summary=summary_pb2.Summary(value=[Value(tag='loss', simple_value=0.1), Value(tag='größe/' + 'x' * 150, simple_value=float('nan'))])),
]
with open(os.path.join(here, 'events.tfevents'), 'wb') as f:
    writer = RecordWriter(f)
    for event in events:
        writer.write(event.SerializeToString())
    writer.flush()
