#include "worker/app/flag_value.h"

#include "worker/app/draft.h"

#include <gtest/gtest.h>

namespace worker {
namespace {

struct Case {
    std::string text;
    std::optional<std::string> written;  // nothing: refused
};

template <class T>
void check(const ValueKind<T>& kind, const std::vector<Case>& cases) {
    for (const Case& one : cases) {
        const std::optional<T> value = kind.read(one.text);
        const auto written = value ? std::optional(kind.write(*value)) : std::nullopt;
        EXPECT_EQ(written, one.written) << one.text;
    }
}

constexpr std::nullopt_t refused = std::nullopt;

TEST(FlagValueTest, reads_numbers_within_their_range) {
    check(number<std::uint16_t>({.min = 0, .max = 65535}), {{"0", "0"},
                                                            {"65535", "65535"},
                                                            {"65536", refused},
                                                            {"-1", refused},
                                                            {"+1", refused},
                                                            {"1.5", refused},
                                                            {"8080 ", refused},
                                                            {"0x10", refused},
                                                            {"", refused}});
    check(number<std::int32_t>({.min = -1, .max = 5}), {{"-1", "-1"}, {"-2", refused}});
}

TEST(FlagValueTest, reads_text_that_fits_a_line) {
    check(plain_text(), {{"a b", "a b"},
                         {"größe", "größe"},
                         {"", refused},
                         {"a\nb", refused},
                         {"\x7f", refused},
                         {"\xff", refused},
                         {std::string(4096, 'x'), std::string(4096, 'x')},
                         {std::string(4097, 'x'), refused}});
}

TEST(FlagValueTest, reads_identifiers) {
    check(identifier(), {{"worker-cpu_1", "worker-cpu_1"},
                         {std::string(256, 'w'), std::string(256, 'w')},
                         {std::string(257, 'w'), refused},
                         {"a b", refused},
                         {"ä", refused},
                         {"", refused}});
}

TEST(FlagValueTest, reads_urls_and_writes_them_without_query) {
    check(http_url(), {{"http://h", "http://h"},
                       {"HTTPS://h:1/p", "HTTPS://h:1/p"},
                       {"http://[::1]:80/v1", "http://[::1]:80/v1"},
                       {"http://h/p?token=t", "http://h/p?***"},
                       {"http://10.0.0.1:65535", "http://10.0.0.1:65535"},
                       {"ftp://h", refused},
                       {"h:80", refused},
                       {"http://", refused},
                       {"http:///p", refused},
                       {"http://:80", refused},
                       {"http://h:0", refused},
                       {"http://h:65536", refused},
                       {"http://h:", refused},
                       {"http://[::1", refused},
                       {"http://[]", refused},
                       {"http://[::1]x", refused},
                       {"http://::1", refused},
                       {"http://h:1:2", refused},
                       {"http://a:b@h", refused},
                       {"http://h/a b", refused},
                       {"http://h/#f", refused},
                       {"http://h/\r\nX: y", refused},
                       {"", refused}});
}

TEST(FlagValueTest, reads_web_origins) {
    check(web_origin(), {{"https://example.org", "https://example.org"},
                         {"http://localhost:3000", "http://localhost:3000"},
                         {"*", "*"},
                         {"https://example.org/", refused},
                         {"example.org", refused},
                         {"https://*.example.org", refused},
                         {"", refused}});
}

TEST(FlagValueTest, reads_bind_addresses) {
    check(bind_address(), {{"0.0.0.0", "0.0.0.0"},
                           {"::1", "::1"},
                           {"[::1]", "::1"},
                           {"localhost", "localhost"},
                           {"fe80::1%eth0", "fe80::1%eth0"},
                           {"[]", refused},
                           {"http://h", refused},
                           {"", refused}});
}

TEST(FlagValueTest, reads_switches) {
    check(yes_or_no(), {{"1", "true"},
                        {"TRUE", "true"},
                        {"yes", "true"},
                        {"on", "true"},
                        {"0", "false"},
                        {"False", "false"},
                        {"no", "false"},
                        {"off", "false"},
                        {"2", refused},
                        {"", refused}});
    EXPECT_EQ(negated(yes_or_no()).read("yes"), false);
    EXPECT_EQ(negated(yes_or_no()).write(false), "true");
}

TEST(FlagValueTest, reads_sizes_and_writes_them_exactly) {
    check(byte_size({.min = 1024, .max = 1u << 30}), {{"1024", "1KiB"},
                                                      {"1025", "1025"},
                                                      {"8mib", "8MiB"},
                                                      {"1.5MiB", "1536KiB"},
                                                      {"1GiB", "1GiB"},
                                                      {"1023", refused},
                                                      {"2GiB", refused},
                                                      {"8MB", refused},
                                                      {"", refused}});
}

TEST(FlagValueTest, reads_durations_and_writes_them_exactly) {
    using namespace std::chrono_literals;
    check(duration({.min = 0ms, .max = 10min}), {{"0", "0ms"},
                                                 {"50ms", "50ms"},
                                                 {"1.5s", "1500ms"},
                                                 {"30", "30s"},
                                                 {"90s", "90s"},
                                                 {"600s", "10m"},
                                                 {"601s", refused},
                                                 {"-1s", refused},
                                                 {"5 parsecs", refused},
                                                 {"", refused}});
}

TEST(FlagValueTest, reads_one_of_some_words_in_any_case) {
    check(one_of({"auto", "cpu"}), {{"auto", "auto"}, {"CPU", "cpu"}, {"gpu", refused}});
    EXPECT_EQ(one_of({"auto", "cpu"}).expects, "one of auto, cpu");
}

TEST(FlagValueTest, reads_lists) {
    check(list_of(proportion()), {{"3,1", "3,1"},
                                  {"0.5, 0.5", "0.5,0.5"},
                                  {"3,", refused},
                                  {"-1", refused},
                                  {"nan", refused},
                                  {"inf", refused},
                                  {std::string(200, ','), refused},
                                  {"", refused}});
}

TEST(FlagValueTest, reads_devices) {
    struct DeviceCase {
        std::string text;
        std::string backend;
        std::vector<std::uint32_t> indices;
    };
    const std::vector<DeviceCase> cases{
        {"0", "", {0}},
        {"0,1", "", {0, 1}},
        {"cpu", "cpu", {0}},
        {"CPU-0", "cpu", {0}},
        {"cuda:0", "cuda", {0}},
        {"cuda:3", "cuda", {3}},
        {"GPU-0", "gpu", {0}},
        {"metal", "metal", {0}},
        {"cuda:0,cuda:1", "cuda", {0, 1}},
        {"cuda:0,1", "cuda", {0, 1}},
        {"rocm:1", "rocm", {1}},
        {"vulkan:1", "vulkan", {1}},
    };
    for (const DeviceCase& one : cases) {
        const std::optional<DeviceChoice> choice = device_choice().read(one.text);
        ASSERT_TRUE(choice) << one.text;
        EXPECT_EQ(choice->backend, one.backend) << one.text;
        EXPECT_EQ(choice->indices, one.indices) << one.text;
    }
    for (const char* text : {"", "tpu", "cuda:", "cuda:x", "cuda:64", "-1", "0,0", "0,", "cuda0",
                             "cuda:0,rocm:1", "GPU-0-1"}) {
        EXPECT_FALSE(device_choice().read(text)) << text;
    }
}

TEST(FlagValueTest, says_what_it_expects) {
    std::uint16_t port = 8080;
    const Setting setting = sets(port, number<std::uint16_t>({.min = 0, .max = 65535}));
    const Result<void> refusal = setting.apply("99999");
    ASSERT_FALSE(refusal);
    EXPECT_EQ(refusal.error().code, ErrorCode::usage_invalid);
    EXPECT_EQ(refusal.error().message, "must be a number from 0 to 65535");
    EXPECT_EQ(port, 8080);
}

TEST(FlagValueTest, adds_the_items_of_each_text) {
    std::vector<std::string> origins;
    const Setting setting = adds_to(origins, web_origin());
    EXPECT_TRUE(setting.apply("https://a,https://b"));
    EXPECT_TRUE(setting.apply("https://c"));
    EXPECT_FALSE(setting.apply("d"));
    EXPECT_EQ(setting.show(), "https://a,https://b,https://c");
}

}  // namespace
}  // namespace worker
