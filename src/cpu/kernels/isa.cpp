#include "cpu/kernels/isa.h"

#include <algorithm>
#include <string>

namespace cpu {

std::string_view name(Isa isa) {
    switch (isa) {
        case Isa::portable: return "portable";
        case Isa::avx2: return "avx2";
        case Isa::avx512: return "avx512";
    }
    std::abort();  // Not an enumerator: memory is corrupt.
}

std::vector<Isa> available() {
    std::vector<Isa> found{Isa::portable};
#if defined(__x86_64__)
    __builtin_cpu_init();
    const bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
                      __builtin_cpu_supports("f16c");
    if (!avx2) return found;
    found.push_back(Isa::avx2);
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
        __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
        __builtin_cpu_supports("avx512vnni"))
        found.push_back(Isa::avx512);
#endif
    return found;
}

Result<Isa> choose_isa(std::string_view wanted) {
    const std::vector<Isa> here = available();
    if (wanted == "auto") return here.back();
    const auto found =
        std::find_if(here.begin(), here.end(), [&](Isa isa) { return name(isa) == wanted; });
    if (found != here.end()) return *found;
    std::string known = "auto";
    for (const Isa isa : here) known.append(" ").append(name(isa));
    return worker::fail(
        worker::ErrorCode::config_invalid,
        "--cpu-isa " + std::string(wanted) + " is not what this CPU can run: use one of " + known);
}

}  // namespace cpu
