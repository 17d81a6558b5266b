#include "worker/http/local_caller.h"

#include <gtest/gtest.h>

namespace worker {
namespace {

const Endpoints loopback = {.peer = "127.0.0.1", .local = "127.0.0.1", .bound = "127.0.0.1"};
const Endpoints wildcard = {.peer = "10.0.0.9", .local = "10.0.0.7", .bound = "0.0.0.0"};
const Endpoints named = {.peer = "fe80::9", .local = "fe80::7", .bound = "gpu-3.lan"};

using Field = std::pair<std::string, std::string>;

void check_name(const Endpoints& endpoints, const std::string& authority, bool expected) {
    EXPECT_EQ(names_this_server(authority, endpoints), expected) << authority;
}

void check_local(const std::vector<Field>& list, bool expected,
                 const std::string& authority = "localhost:8080") {
    Fields fields;
    for (const auto& [name, value] : list) fields.add(name, value);
    EXPECT_EQ(is_local_caller(fields, authority, loopback), expected)
        << testing::PrintToString(list);
}

TEST(LocalCallerTest, knows_loopback_addresses) {
    for (const char* address : {"127.0.0.1", "127.255.0.9", "::1"}) {
        EXPECT_TRUE(is_loopback_address(address)) << address;
    }
    for (const char* address : {"", "128.0.0.1", "10.0.0.1", "::", "::2", "localhost", "127.1"}) {
        EXPECT_FALSE(is_loopback_address(address)) << address;
    }
}

TEST(LocalCallerTest, loopback_names_are_this_server) {
    for (const char* name :
         {"localhost", "LocalHost:8080", "127.0.0.1", "127.0.0.2:1", "[::1]", "[::1]:8080", ""}) {
        check_name(loopback, name, true);
    }
}

TEST(LocalCallerTest, foreign_and_malformed_names_are_not) {
    for (const char* name :
         {"evil.example", "localhost.evil.example", "127.0.0.1.evil.example", "localhost:80:80",
          "localhost:x", "[::1", "[::1]x", "[]", ":8080", "10.0.0.7", "0.0.0.0.evil.example"}) {
        check_name(loopback, name, false);
    }
}

TEST(LocalCallerTest, the_bound_address_is_this_server) {
    check_name(wildcard, "10.0.0.7:8080", true);
    check_name(wildcard, "10.0.0.8:8080", false);
    check_name(named, "GPU-3.lan:8080", true);
    check_name(named, "gpu-4.lan", false);
    check_name(named, "[fe80::7]:8080", true);
}

TEST(LocalCallerTest, a_plain_request_from_loopback_is_local) {
    check_local({}, true);
    check_local({{"origin", "http://localhost:8080"}}, true);
    check_local({{"sec-fetch-site", "same-origin"}}, true);
    check_local({{"sec-fetch-site", "none"}}, true);
}

TEST(LocalCallerTest, signs_of_a_proxy_or_a_web_page_are_not) {
    check_local({{"forwarded", "for=1.2.3.4"}}, false);
    check_local({{"x-forwarded-for", ""}}, false);
    check_local({{"x-forwarded-host", "a"}}, false);
    check_local({{"via", "1.1 a"}}, false);
    check_local({{"origin", "null"}}, false);
    check_local({{"origin", "http://evil.example"}}, false);
    check_local({{"origin", "http://localhost:3000"}}, false);
    check_local({{"sec-fetch-site", "cross-site"}}, false);
    check_local({{"sec-fetch-site", "same-site"}}, false);
}

TEST(LocalCallerTest, a_name_made_to_resolve_to_us_is_not_local) {
    check_local({{"origin", "http://evil.example"}}, false, "evil.example");
}

TEST(LocalCallerTest, another_machine_is_not_local) {
    EXPECT_FALSE(is_local_caller({}, "localhost", wildcard));
}

}  // namespace
}  // namespace worker
