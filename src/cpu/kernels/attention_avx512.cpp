#include "cpu/kernels/attention_simd.h"
#include "cpu/kernels/kernel_tables.h"

namespace cpu {

constinit const AttentionKernels attention_avx512 = kernels;

}  // namespace cpu
