#include "worker/hive/advertised_url.h"

#include <gtest/gtest.h>

namespace worker {
namespace {

TEST(AdvertisedUrlTest, is_where_the_hive_can_reach_the_worker) {
    struct Case {
        ServedAt served;
        std::string local;
        std::string url;
    };
    const Case cases[] = {
        {{{}, "127.0.0.1", 8080}, "192.0.2.7", "http://localhost:8080"},
        {{{}, "localhost", 8080}, "192.0.2.7", "http://localhost:8080"},
        {{{}, "::1", 8080}, "2001:db8::1", "http://localhost:8080"},
        {{{}, "0.0.0.0", 8080}, "127.0.0.1", "http://localhost:8080"},
        {{{}, "::", 8080}, "::1", "http://localhost:8080"},
        {{{}, "::", 8080}, "::ffff:127.0.0.1", "http://localhost:8080"},
        {{{}, "0.0.0.0", 8080}, "192.0.2.7", "http://192.0.2.7:8080"},
        {{{}, "::", 81}, "::ffff:192.0.2.7", "http://192.0.2.7:81"},
        {{{}, "::", 81}, "2001:db8::1", "http://[2001:db8::1]:81"},
        {{{}, "::", 81}, "fe80::1%7", "http://[fe80::1]:81"},
        {{{}, "0.0.0.0", 443, true}, "192.0.2.7", "https://192.0.2.7:443"},
        {{{}, "127.0.0.1", 443, true}, "127.0.0.1", "https://localhost:443"},
        {{"http://w.example/x", "127.0.0.1", 80}, "127.0.0.1", "http://w.example/x"},
    };
    for (const Case& c : cases) {
        EXPECT_EQ(advertised_url(c.served, boost::asio::ip::make_address(c.local)), c.url)
            << c.served.host << ' ' << c.local;
    }
}

}  // namespace
}  // namespace worker
