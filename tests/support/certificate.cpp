#include "tests/support/certificate.h"

#include "worker/base/assert.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <array>
#include <cstdio>
#include <memory>

namespace worker {
namespace {

template <class T, void (*free)(T*)>
struct Free {
    void operator()(T* object) const { free(object); }
};
using Key = std::unique_ptr<EVP_PKEY, Free<EVP_PKEY, EVP_PKEY_free>>;
using Signed = std::unique_ptr<X509, Free<X509, X509_free>>;
struct CloseFile {
    void operator()(FILE* file) const { std::fclose(file); }
};
using File = std::unique_ptr<FILE, CloseFile>;

constexpr long day_seconds = 24L * 60 * 60;

Signed self_signed(EVP_PKEY* key) {
    Signed certificate(X509_new());
    X509* const x509 = certificate.get();
    WORKER_ASSERT(x509);
    X509_set_version(x509, X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(x509), 1);
    X509_gmtime_adj(X509_getm_notBefore(x509), -day_seconds);
    X509_gmtime_adj(X509_getm_notAfter(x509), day_seconds);
    X509_NAME* const name = X509_get_subject_name(x509);
    const auto* common_name = reinterpret_cast<const unsigned char*>("localhost");
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, common_name, -1, -1, 0);
    X509_set_issuer_name(x509, name);
    X509_set_pubkey(x509, key);
    WORKER_ASSERT(X509_sign(x509, key, EVP_sha256()) > 0);
    return certificate;
}

File create(const std::string& path) {
    File file(std::fopen(path.c_str(), "w"));
    WORKER_ASSERT(file);
    return file;
}

}  // namespace

Certificate::Certificate(const std::string& name, Kind kind)
    : chain_(name + ".crt"), key_(name + ".key") {
    const Key key(kind == Kind::rsa ? EVP_RSA_gen(2048) : EVP_EC_gen("P-256"));
    WORKER_ASSERT(key);
    const Signed certificate = self_signed(key.get());
    WORKER_ASSERT(PEM_write_X509(create(chain_path()).get(), certificate.get()) == 1);
    const EVP_CIPHER* const cipher = kind == Kind::locked ? EVP_aes_256_cbc() : nullptr;
    std::array<char, 5> passphrase = {"word"};
    WORKER_ASSERT(PEM_write_PKCS8PrivateKey(create(key_path()).get(), key.get(), cipher,
                                            passphrase.data(), 4, nullptr, nullptr) == 1);
}

}  // namespace worker
