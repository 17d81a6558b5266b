// https: who is believed to be the hive.
#include "tests/support/scripted_peer.h"
#include "worker/base/assert.h"
#include "worker/hive/http_post.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/write.hpp>
#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <openssl/x509v3.h>

#include <memory>
#include <optional>
#include <thread>

namespace worker {
namespace {

using namespace std::chrono_literals;
namespace asio = boost::asio;
namespace ssl = boost::asio::ssl;
using tcp = asio::ip::tcp;

template <class T, void (*free)(T*)>
struct Freed {
    void operator()(T* object) const { free(object); }
};
using Key = std::unique_ptr<EVP_PKEY, Freed<EVP_PKEY, EVP_PKEY_free>>;
using Certificate = std::unique_ptr<X509, Freed<X509, X509_free>>;
using Extension = std::unique_ptr<X509_EXTENSION, Freed<X509_EXTENSION, X509_EXTENSION_free>>;

// For `name`, signed by itself.
Certificate certificate_of(const std::string& name, EVP_PKEY* key) {
    Certificate certificate(X509_new());
    X509_set_version(certificate.get(), 2);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate.get()), 1);
    X509_gmtime_adj(X509_getm_notBefore(certificate.get()), -3600);
    X509_gmtime_adj(X509_getm_notAfter(certificate.get()), 3600);
    X509_set_pubkey(certificate.get(), key);
    X509_NAME* subject = X509_get_subject_name(certificate.get());
    X509_NAME_add_entry_by_txt(subject, "O", MBSTRING_ASC,
                               reinterpret_cast<const unsigned char*>("test"), -1, -1, 0);
    X509_set_issuer_name(certificate.get(), subject);
    const Extension names(
        X509V3_EXT_conf_nid(nullptr, nullptr, NID_subject_alt_name, ("DNS:" + name).c_str()));
    X509_add_ext(certificate.get(), names.get(), -1);
    WORKER_ASSERT(X509_sign(certificate.get(), key, EVP_sha256()) > 0);
    return certificate;
}

// Serves one connection.
class TlsPeer {
public:
    explicit TlsPeer(const std::string& name)
        : key_(EVP_EC_gen("P-256")), certificate_(certificate_of(name, key_.get())) {
        SSL_CTX_use_certificate(context_.native_handle(), certificate_.get());
        SSL_CTX_use_PrivateKey(context_.native_handle(), key_.get());
        thread_ = std::thread([this] { serve(); });
    }
    ~TlsPeer() { thread_.join(); }
    TlsPeer(const TlsPeer&) = delete;
    TlsPeer& operator=(const TlsPeer&) = delete;

    std::string url_at(const std::string& host) const {
        return "https://" + host + ":" + std::to_string(acceptor_.local_endpoint().port()) + "/";
    }
    X509* certificate() const { return certificate_.get(); }
    // The name that the client asked for. Requires: the call has ended.
    std::string name_asked_for() const { return name_asked_for_; }

private:
    void serve() {
        ssl::stream<tcp::socket> stream(acceptor_.accept(), context_);
        boost::system::error_code ec;  // A client that does not like us leaves.
        stream.handshake(ssl::stream_base::server, ec);
        if (ec) return;
        const char* name = SSL_get_servername(stream.native_handle(), TLSEXT_NAMETYPE_host_name);
        name_asked_for_ = name == nullptr ? "" : name;
        std::string request;
        asio::read_until(stream, asio::dynamic_buffer(request), "\r\n\r\n", ec);
        asio::write(stream, asio::buffer("HTTP/1.1 200 OK\r\n\r\nhello", 24), ec);
    }

    const Key key_;
    const Certificate certificate_;
    ssl::context context_{ssl::context::tls_server};
    asio::io_context io_{1};
    tcp::acceptor acceptor_{io_, tcp::endpoint(asio::ip::address_v4::loopback(), 0)};
    std::string name_asked_for_;
    std::thread thread_;
};

Result<HttpAnswer> post(const std::string& url, X509* trusted, std::chrono::milliseconds timeout) {
    asio::io_context io{1};
    PostParts parts{.executor = io.get_executor(), .program = "p", .tls = trust_of_this_machine()};
    if (trusted != nullptr) {
        X509_STORE_add_cert(SSL_CTX_get_cert_store(parts.tls->native_handle()), trusted);
    }
    PostRequest request{.url = parse_url(url).value(),
                        .body = [](const asio::ip::address&) { return "{}"; },
                        .timeout = timeout};
    const auto call = std::make_shared<HttpPost>(parts, std::move(request));
    std::optional<Result<HttpAnswer>> result;
    asio::co_spawn(io, call->run(), [&](std::exception_ptr, Result<HttpAnswer> answer) {
        result.emplace(std::move(answer));
    });
    io.run();
    return *result;
}

TEST(HttpsPostTest, a_trusted_hive_is_called_by_its_name) {
    std::string name;
    {
        TlsPeer peer("localhost");
        const Result<HttpAnswer> answer = post(peer.url_at("localhost"), peer.certificate(), 20s);
        ASSERT_TRUE(answer) << answer.error().message;
        EXPECT_EQ(answer->status, 200u);
        EXPECT_EQ(answer->body, "hello");  // Cut off without TLS's own farewell.
        name = peer.name_asked_for();
    }
    EXPECT_EQ(name, "localhost");
}

TEST(HttpsPostTest, whoever_cannot_prove_to_be_the_hive_hears_nothing) {
    struct Case {
        std::string host;
        std::string certified;
        bool trusted;
    };
    const Case cases[] = {
        {"localhost", "localhost", false},
        {"localhost", "hive.example", true},
        {"127.0.0.1", "localhost", true},
    };
    for (const Case& c : cases) {
        TlsPeer peer(c.certified);
        const Result<HttpAnswer> answer =
            post(peer.url_at(c.host), c.trusted ? peer.certificate() : nullptr, 20s);
        ASSERT_FALSE(answer) << c.host << ' ' << c.certified;
        EXPECT_EQ(answer.error().code, ErrorCode::hive_unreachable);
        EXPECT_NE(answer.error().message.find("certificate verify failed"), std::string::npos)
            << answer.error().message;
    }
}

TEST(HttpsPostTest, a_peer_that_does_not_shake_hands_is_given_up) {
    ScriptedPeer peer({{""}});
    const Result<HttpAnswer> answer =
        post("https://127.0.0.1:" + std::to_string(peer.port()) + "/", nullptr, 100ms);
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error().code, ErrorCode::timeout);
}

}  // namespace
}  // namespace worker
