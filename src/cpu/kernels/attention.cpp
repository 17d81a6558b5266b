#include "cpu/kernels/attention.h"

#include "cpu/kernels/kernel_tables.h"
#include "worker/base/assert.h"

namespace cpu {

const AttentionKernels& attention_kernels(Isa isa) {
#if defined(__x86_64__)
    if (isa == Isa::avx512) return attention_avx512;
    if (isa == Isa::avx2) return attention_avx2;
#endif
    WORKER_ASSERT(isa == Isa::portable);
    return attention_portable;
}

}  // namespace cpu
