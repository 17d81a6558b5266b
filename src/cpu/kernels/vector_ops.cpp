#include "cpu/kernels/vector_ops.h"

#include "cpu/kernels/kernel_tables.h"
#include "worker/base/assert.h"

namespace cpu {

const VectorKernels& vector_kernels(Isa isa) {
#if defined(__x86_64__)
    if (isa == Isa::avx512) return vector_ops_avx512;
    if (isa == Isa::avx2) return vector_ops_avx2;
#endif
    WORKER_ASSERT(isa == Isa::portable);
    return vector_ops_portable;
}

}  // namespace cpu
