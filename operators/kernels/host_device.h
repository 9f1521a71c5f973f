#pragma once

// Marks a function that is compiled for the processor and, by nvcc, for the GPU too.
#ifdef __CUDACC__
#define DIFFINV_HOST_DEVICE __host__ __device__
#else
#define DIFFINV_HOST_DEVICE
#endif
