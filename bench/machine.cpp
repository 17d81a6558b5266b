#include "bench/machine.h"

#include <sys/mman.h>

#include <algorithm>
#include <barrier>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <thread>
#include <vector>

#ifdef __x86_64__
#include <immintrin.h>
#endif

namespace {

using Clock = std::chrono::steady_clock;

constexpr int rounds = 5;
constexpr auto round_time = std::chrono::milliseconds(300);
constexpr std::size_t block_bytes = 1 << 20;
constexpr std::size_t huge_page_bytes = 2 << 20;
constexpr std::size_t memory_bytes = 256 << 20;  // that each thread reads: no cache is as large

volatile std::int64_t sink;  // What is computed is used, or the compiler would leave it out.

// The kernels run over independent sums: enough of them that no instruction waits for the one
// before it. What they multiply is new to the compiler each time, or it would compute equal sums
// once.

#ifdef __x86_64__

constexpr int sums = 12;

void add_to_sink(const void* registers, std::size_t bytes) {
    for (std::size_t at = 0; at < bytes; at += sizeof(std::int32_t)) {
        std::int32_t part = 0;
        std::memcpy(&part, static_cast<const char*>(registers) + at, sizeof part);
        sink = sink + part;
    }
}

__attribute__((target("avx512f,avx512vnni"))) void run_avx512_vnni(std::uint64_t repeats) {
    __m512i sum[sums] = {};
    __m512i a = _mm512_set1_epi8(3);
    __m512i b = _mm512_set1_epi8(-5);
    for (std::uint64_t i = 0; i < repeats; ++i) {
        for (__m512i& s : sum) {
            asm volatile("" : "+v"(a), "+v"(b));
            s = _mm512_dpbusd_epi32(s, a, b);
        }
    }
    add_to_sink(sum, sizeof sum);
}

__attribute__((target("avx2,avxvnni"))) void run_avx_vnni(std::uint64_t repeats) {
    __m256i sum[sums] = {};
    __m256i a = _mm256_set1_epi8(3);
    __m256i b = _mm256_set1_epi8(-5);
    for (std::uint64_t i = 0; i < repeats; ++i) {
        for (__m256i& s : sum) {
            asm volatile("" : "+x"(a), "+x"(b));
            s = _mm256_dpbusd_avx_epi32(s, a, b);
        }
    }
    add_to_sink(sum, sizeof sum);
}

// Pairs are summed in 16 bits and these in 32: what stands in for a dot product before VNNI.
__attribute__((target("avx2"))) void run_avx2(std::uint64_t repeats) {
    __m256i sum[sums] = {};
    __m256i a = _mm256_set1_epi8(3);
    __m256i b = _mm256_set1_epi8(-5);
    const __m256i ones = _mm256_set1_epi16(1);
    for (std::uint64_t i = 0; i < repeats; ++i) {
        for (__m256i& s : sum) {
            asm volatile("" : "+x"(a), "+x"(b));
            s = _mm256_add_epi32(s, _mm256_madd_epi16(_mm256_maddubs_epi16(a, b), ones));
        }
    }
    add_to_sink(sum, sizeof sum);
}

#endif

// Whatever the compiler makes of it for the oldest CPU.
void run_portable(std::uint64_t repeats) {
    constexpr int lanes = 64;
    std::int8_t a[lanes];
    std::int8_t b[lanes];
    std::fill_n(a, lanes, std::int8_t{3});
    std::fill_n(b, lanes, std::int8_t{-5});
    std::int32_t sum = 0;
    for (std::uint64_t i = 0; i < repeats; ++i) {
        asm volatile("" : : "r"(a), "r"(b) : "memory");
        for (int lane = 0; lane < lanes; ++lane) sum += a[lane] * b[lane];
    }
    sink = sink + sum;
}

#ifdef __x86_64__
__attribute__((target_clones("avx512f", "avx2", "default")))
#endif
std::uint64_t
sum_of(const std::uint64_t* begin, const std::uint64_t* end) {
    std::uint64_t sum = 0;
    for (; begin != end; ++begin) sum += *begin;
    return sum;
}

// What all threads together do a second at best, of several rounds. `work(thread)` does a little
// of it and says how much. Requires: it may be called from several threads.
template <class Work>
double best_rate(unsigned threads, const Work& work) {
    std::vector<double> amounts(threads);
    double best = 0;
    for (int round = 0; round < rounds; ++round) {
        std::barrier start(threads);
        std::vector<std::jthread> running;
        for (unsigned thread = 0; thread < threads; ++thread) {
            running.emplace_back([&, thread] {
                start.arrive_and_wait();
                const auto begin = Clock::now();
                double amount = 0;
                while (Clock::now() - begin < round_time) amount += work(thread);
                const std::chrono::duration<double> took = Clock::now() - begin;
                amounts[thread] = amount / took.count();
            });
        }
        running.clear();  // Joins.
        double total = 0;
        for (const double amount : amounts) total += amount;
        best = std::max(best, total);
    }
    return best;
}

struct Free {
    void operator()(std::uint64_t* memory) const { std::free(memory); }
};
using Memory = std::unique_ptr<std::uint64_t[], Free>;

// In huge pages where there are any: with small ones, looking them up would set the pace.
Memory touched_memory(std::size_t bytes) {
    void* memory = std::aligned_alloc(huge_page_bytes, bytes);
    if (memory == nullptr) std::abort();
    madvise(memory, bytes, MADV_HUGEPAGE);
    std::memset(memory, 1, bytes);
    return Memory(static_cast<std::uint64_t*>(memory));
}

}  // namespace

ByteProducts byte_products() {
#ifdef __x86_64__
    if (__builtin_cpu_supports("avx512vnni")) return {"avx512_vnni", sums * 64, run_avx512_vnni};
    if (__builtin_cpu_supports("avxvnni")) return {"avx_vnni", sums * 32, run_avx_vnni};
    if (__builtin_cpu_supports("avx2")) return {"avx2", sums * 32, run_avx2};
#endif
    return {"portable", 64, run_portable};
}

double macs_per_second(unsigned threads, const ByteProducts& products) {
    constexpr std::uint64_t repeats = 100'000;
    return best_rate(threads, [&](unsigned) {
        products.run(repeats);
        return static_cast<double>(repeats * products.macs_per_repeat);
    });
}

double bytes_per_second(unsigned threads) {
    constexpr std::size_t words = block_bytes / sizeof(std::uint64_t);
    constexpr std::size_t blocks = memory_bytes / block_bytes;
    std::vector<Memory> memory;
    for (unsigned i = 0; i < threads; ++i) memory.push_back(touched_memory(blocks * block_bytes));
    std::vector<std::size_t> next(threads, 0);
    return best_rate(threads, [&](unsigned thread) {
        const std::uint64_t* begin = memory[thread].get() + next[thread] * words;
        next[thread] = (next[thread] + 1) % blocks;
        sink = sink + static_cast<std::int64_t>(sum_of(begin, begin + words));
        return static_cast<double>(block_bytes);
    });
}
