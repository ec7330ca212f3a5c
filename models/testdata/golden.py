# Writes numpy.npz and numpy-compressed.npz, models as NumPy makes them; run with NumPy 1.24.2.
import numpy as np

phi = np.asfortranarray([[0.6, 0.8], [-0.8, 0.6]])
arrays = dict(phi=phi, w=np.array([[0.25, 1], [0.75, 0]], dtype="f4"), h=np.array([[1, 2, 3], [4, 5, 6.5]]))
np.savez("numpy.npz", **arrays, notes=np.array(["not looked at"]))
np.savez_compressed("numpy-compressed.npz", **arrays, note=np.zeros(3, "i8"))
