"""What computes predictions: TensorFlow in a session, or ONNX Runtime."""
