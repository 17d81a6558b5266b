#include "cpu/kernels/kernel_tables.h"
#include "cpu/kernels/vector_ops_simd.h"

namespace cpu {

constinit const VectorKernels vector_ops_avx512 = kernels;

}  // namespace cpu
