# SPDX-License-Identifier: Apache-2.0
"""What measures a GPU with PyTorch; ``chapters/measure_gpu.py`` is its command line."""
