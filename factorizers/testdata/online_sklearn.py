# Writes online_sklearn.json: W after three batches by MiniBatchNMF of scikit-learn, from given W.
# Run with: python3 online_sklearn.py > online_sklearn.json   (made with scikit-learn 1.2.1)
import json, sys
import numpy as np
from sklearn.decomposition import MiniBatchNMF

rng = np.random.default_rng(1)
bins, rank, size, batches, steps = 7, 3, 11, 3, 12
v = rng.random((bins, rank)) @ rng.random((rank, size * batches)) + 0.05 * rng.random((bins, size * batches))
w = rng.random((bins, rank)) + 0.1
round12 = lambda a: [float("%.12g" % x) for x in np.ravel(a)]
cases = []
for beta, forget in [(0, 0.7), (1, 0.7)]:
    loss = {0: "itakura-saito", 1: "kullback-leibler"}[beta]
    nmf = MiniBatchNMF(rank, init="custom", batch_size=size, beta_loss=loss, tol=0, max_iter=1, max_no_improvement=None,
                       forget_factor=forget, fresh_restarts=True, fresh_restarts_max_iter=steps)
    starts = [float(np.sqrt(v[:, i * size:(i + 1) * size].mean() / rank)) for i in range(batches)]
    nmf.fit_transform(v.T.copy(), W=np.ones((size * batches, rank)), H=w.T.copy())
    cases.append({"beta": beta, "rho": forget ** (1 / batches), "starts": starts, "w": round12(nmf.components_.T)})
json.dump({"bins": bins, "rank": rank, "size": size, "steps": steps, "v": np.ravel(v).tolist(), "w": np.ravel(w).tolist(), "cases": cases}, sys.stdout)
