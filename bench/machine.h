#pragma once

#include <cstdint>

// What this machine can do at best.

// Multiply-accumulates of 8-bit numbers, with the widest instructions that the CPU has for them.
struct ByteProducts {
    const char* kernel;
    std::uint64_t macs_per_repeat;
    void (*run)(std::uint64_t repeats);
};
ByteProducts byte_products();

// Of all threads together, of several rounds the best.
double macs_per_second(unsigned threads, const ByteProducts& products);

// Bytes read from memory, likewise.
double bytes_per_second(unsigned threads);
