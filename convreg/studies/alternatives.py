"""Section 1: the alternatives to R_alpha that the paper names, and two later ones.

A penalty gives its value and its gradient in K; a normalisation, a retraction or a clipping gives
the new kernel. W is the kernel as a matrix, see `reshaped`: what one output pixel reads, a row for
each output channel. Those on the periodic convolution are in `convreg.studies.periodic`. Numbers in
brackets are the paper's references.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from convreg._checks import as_kernel, as_number
from convreg.matrix import conv_matrix, conv_matrix_adjoint


def reshaped(K: ArrayLike) -> NDArray:
    r"""Section 1: the kernel as an h x (g k^2) matrix W (the paper says h x (gk)).

    .. math:: W_{c,(p,q,d)} = k_{p,q,d,c}

    Where N >= k, every row of W is part of a row of M, and
    sigma_max(W) <= sigma_max(M) <= k sigma_max(W).

    Parameters
    ----------
    K : (k, k, g, h) or (k, k) array

    Returns
    -------
    W : (h, g k^2) array, with W[c, (p k + q) g + d] = K[p, q, d, c]

    Raises
    ------
    ValueError, TypeError
        Where K is no kernel.

    Examples
    --------
    >>> reshaped([[1, 2], [3, 4]])
    array([[1., 2., 3., 4.]])
    """
    kernel = as_kernel(K)
    return kernel.reshape(-1, kernel.shape[3]).T.copy()


def spectral_norm_penalty(K: ArrayLike) -> tuple[float, NDArray]:
    r"""Section 1, [24]: sigma_max(W)^2 / 2 and its gradient in K, which is sigma u v' in W.

    .. math:: R = \tfrac12\, \sigma_{\max}(W)^2, \qquad \nabla_W R = \sigma_{\max}(W)\, u v^T

    Yoshida and Miyato, Spectral norm regularization, arXiv:1705.10941. Its minimum is K = 0: alone,
    it shrinks.

    Parameters
    ----------
    K : (k, k, g, h) or (k, k) array

    Returns
    -------
    value, G : float and array, the latter of the shape of K

    Raises
    ------
    ValueError, TypeError
        Where K is no kernel.

    Examples
    --------
    >>> spectral_norm_penalty([[2.0]])
    (2.0, array([[2.]]))
    """
    U, sigma, Vt = np.linalg.svd(reshaped(K), full_matrices=False)
    return float(sigma[0] ** 2 / 2), _as_kernel_of(sigma[0] * np.outer(U[:, 0], Vt[0]), K)


def spectral_normalization(K: ArrayLike) -> NDArray:
    r"""Section 1, [17]: K / sigma_max(W).

    .. math:: K \leftarrow K / \sigma_{\max}(W)

    Miyato, Kataoka, Koyama and Yoshida, Spectral normalization for generative adversarial networks,
    ICLR 2018.

    Parameters
    ----------
    K : (k, k, g, h) or (k, k) array

    Returns
    -------
    array of the shape of K

    Raises
    ------
    ValueError, TypeError
        Where K is no kernel, or zero.

    Examples
    --------
    >>> spectral_normalization([[3, 0], [0, 4]])
    array([[0.6, 0. ],
           [0. , 0.8]])
    """
    sigma = np.linalg.norm(reshaped(K), 2)
    if sigma == 0:
        raise ValueError("K: wanted a kernel that is not zero, got zeros")
    return as_kernel(K).reshape(np.shape(K)) / sigma


def orthogonality_penalty(K: ArrayLike) -> tuple[float, NDArray]:
    r"""Section 1, [3]: ``|WW' - I|_F^2`` and its gradient in K, which is 4 (WW' - I) W in W.

    .. math:: R = \|W W^T - I\|_F^2, \qquad \nabla_W R = 4\, (W W^T - I)\, W

    Brock, Lim, Ritchie and Weston, Neural photo editing with introspective adversarial networks,
    ICLR 2017, sum absolute values; the squares are the smooth form in use since. W'W - I has the
    same gradient.

    Parameters
    ----------
    K : (k, k, g, h) or (k, k) array

    Returns
    -------
    value, G : float and array, the latter of the shape of K

    Raises
    ------
    ValueError, TypeError
        Where K is no kernel.

    Examples
    --------
    >>> orthogonality_penalty([[2.0]])
    (9.0, array([[24.]]))
    """
    W = reshaped(K)
    gap = W @ W.T - np.eye(len(W), dtype=W.dtype)
    return float(np.sum(gap**2)), _as_kernel_of(4 * gap @ W, K)


def parseval_retraction(K: ArrayLike, beta: float = 0.01) -> NDArray:
    r"""Section 1, [6]: W <- (1 + beta) W - beta WW'W, a step towards orthonormal rows of W.

    .. math:: W \leftarrow (1 + \beta)\, W - \beta\, W W^T W

    Cisse, Bojanowski, Grave, Dauphin and Usunier, Parseval networks, ICML 2017. It is a gradient
    step of length beta on ``|WW' - I|_F^2 / 4``. As a pixel is read k^2 times, a layer divides by k
    what comes out.

    Parameters
    ----------
    K : (k, k, g, h) or (k, k) array
    beta : float
        The length of the step, positive.

    Returns
    -------
    array of the shape of K

    Raises
    ------
    ValueError, TypeError
        Where K is no kernel, or beta not positive and finite.

    Examples
    --------
    >>> parseval_retraction([[2.0]], beta=0.1)
    array([[1.4]])
    """
    W = reshaped(K)
    beta = as_number("beta", beta)
    return _as_kernel_of((1 + beta) * W - beta * (W @ W.T) @ W, K)


def frobenius_penalty(K: ArrayLike, N: int, alpha: float = 1.0) -> tuple[float, NDArray]:
    r"""Section 4, further work of others: ``|M'M - alpha I|_F^2`` and its gradient in K.

    .. math:: R = \|M^T M - \alpha I\|_F^2, \qquad
       \nabla_K R = M^*\bigl( 4 M (M^T M - \alpha I) \bigr)

    Guo, A Frobenius norm regularization method for convolutional kernels to avoid unstable gradient
    problem, arXiv:1907.11235. MM' adds the constant alpha^2 N^2 (h - g): there is no barrier. M is
    formed, as a sparse one.

    Parameters
    ----------
    K : (k, k, g, h) or (k, k) array
    N : int
    alpha : float
        The shift, positive.

    Returns
    -------
    value, G : float and array, the latter of the shape of K

    Raises
    ------
    ValueError, TypeError
        For a bad argument, naming it.

    Examples
    --------
    >>> frobenius_penalty([[2.0]], 1)
    (9.0, array([[24.]]))
    """
    M = conv_matrix(as_kernel(K), N)
    alpha = as_number("alpha", alpha)
    gram = M.T @ M
    gap = float((gram.multiply(gram)).sum() - 2 * alpha * gram.trace() + alpha**2 * M.shape[1])
    return max(gap, 0.0), conv_matrix_adjoint(4 * (M @ gram - alpha * M), np.shape(K), N)


def self_convolution_penalty(K: ArrayLike) -> tuple[float, NDArray]:
    r"""Section 1, after [3, 6]: ``|K * K - I|_F^2`` and its gradient in K.

    K * K is the kernel's self-correlation.

    .. math:: R = \|K * K - I\|_F^2, \qquad
       (K * K)_{a,b} = \sum_{p,q} K_{p,q}\, K_{p-a,\,q-b}^T, \; -k < a, b < k

    Wang, Chen, Chakraborty and Yu, Orthogonal convolutional neural networks, CVPR 2020. K * K has
    (2k - 1)^2 taps of g x g: those of M'M on an image without border, where I has the identity in
    the centre. With the h x h taps of MM' the value differs by h - g and the gradient not at all.

    Parameters
    ----------
    K : (k, k, g, h) or (k, k) array

    Returns
    -------
    value, G : float and array, the latter of the shape of K

    Raises
    ------
    ValueError, TypeError
        Where K is no kernel.

    Examples
    --------
    >>> self_convolution_penalty([[2.0]])
    (9.0, array([[24.]]))
    """
    kernel = as_kernel(K)
    k, _, g, _ = kernel.shape
    gap = np.zeros((2 * k - 1, 2 * k - 1, g, g), kernel.dtype)
    G = np.zeros_like(kernel)
    for p, q in np.ndindex(k, k):  # each tap of one K meets all taps of the other
        gap[p : p + k, q : q + k] += kernel @ kernel[k - 1 - p, k - 1 - q].T
    gap[k - 1, k - 1] -= np.eye(g, dtype=kernel.dtype)
    for p, q in np.ndindex(k, k):
        G += 4 * gap[p : p + k, q : q + k] @ kernel[k - 1 - p, k - 1 - q]
    return float(np.sum(gap**2)), G.reshape(np.shape(K))


def _as_kernel_of(W: NDArray, K: ArrayLike) -> NDArray:
    """The kernel, in the shape of K, whose `reshaped` is W."""
    return W.T.reshape(np.shape(K))
