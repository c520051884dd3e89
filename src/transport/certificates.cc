#include "transport/certificates.h"

#include <fcntl.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

#include <cerrno>
#include <cstdint>
#include <memory>
#include <string>

#include "os/fd.h"
#include "os/files.h"

namespace redline {
namespace {

constexpr long kLifetime = 30L * 24 * 3600;  ///< seconds
constexpr long kClockSkew = 3600;            ///< seconds that another clock may be behind

struct Free {
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
  void operator()(X509* certificate) const { X509_free(certificate); }
  void operator()(X509_EXTENSION* extension) const { X509_EXTENSION_free(extension); }
  void operator()(BIO* bio) const { BIO_free(bio); }
};
using Key = std::unique_ptr<EVP_PKEY, Free>;
using Certificate = std::unique_ptr<X509, Free>;

Key newKey() {
  return Key(EVP_EC_gen("P-256"));
}

void addExtension(X509* certificate, X509* issuer, int nid, const char* value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  const std::unique_ptr<X509_EXTENSION, Free> extension(
      X509V3_EXT_conf_nid(nullptr, &context, nid, value));
  X509_add_ext(certificate, extension.get(), -1);
}

/// A certificate that is not signed yet.
Certificate newCertificate(EVP_PKEY* key, const char* commonName) {
  Certificate made(X509_new());
  X509_set_version(made.get(), X509_VERSION_3);
  std::uint64_t serial = 0;
  RAND_bytes(reinterpret_cast<unsigned char*>(&serial), sizeof serial);
  ASN1_INTEGER_set_uint64(X509_get_serialNumber(made.get()), serial >> 1);
  X509_gmtime_adj(X509_getm_notBefore(made.get()), -kClockSkew);
  X509_gmtime_adj(X509_getm_notAfter(made.get()), kLifetime);
  X509_set_pubkey(made.get(), key);
  X509_NAME_add_entry_by_txt(X509_get_subject_name(made.get()), "CN", MBSTRING_ASC,
                             reinterpret_cast<const unsigned char*>(commonName), -1, -1, 0);
  return made;
}

Status writePem(const std::filesystem::path& path, mode_t mode, auto write) {
  const std::unique_ptr<BIO, Free> memory(BIO_new(BIO_s_mem()));
  write(memory.get());
  char* text = nullptr;
  const long length = BIO_get_mem_data(memory.get(), &text);
  const Fd file(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode));
  if (!file.valid() || ::write(file.get(), text, static_cast<std::size_t>(length)) != length)
    return fail(ErrorCode::io, "cannot write {}: {}", path.string(), errnoText(errno));
  return {};
}

Status writeCertificate(const std::filesystem::path& path, X509* certificate) {
  return writePem(path, 0644, [&](BIO* out) { PEM_write_bio_X509(out, certificate); });
}

}  // namespace

Result<Certificates> makeCertificates(const std::filesystem::path& dir) {
  const Key caKey = newKey(), key = newKey();
  if (!caKey || !key) return fail(ErrorCode::io, "OpenSSL makes no keys on this machine");
  const Certificate ca = newCertificate(caKey.get(), "redline stack CA");
  X509_set_issuer_name(ca.get(), X509_get_subject_name(ca.get()));
  addExtension(ca.get(), ca.get(), NID_basic_constraints, "critical,CA:TRUE");
  addExtension(ca.get(), ca.get(), NID_key_usage, "critical,keyCertSign");
  addExtension(ca.get(), ca.get(), NID_subject_key_identifier, "hash");
  X509_sign(ca.get(), caKey.get(), EVP_sha256());

  const Certificate server = newCertificate(key.get(), "redline stack");
  X509_set_issuer_name(server.get(), X509_get_subject_name(ca.get()));
  addExtension(server.get(), ca.get(), NID_basic_constraints, "critical,CA:FALSE");
  addExtension(server.get(), ca.get(), NID_subject_alt_name, "IP:127.0.0.1,IP:::1,DNS:localhost");
  X509_sign(server.get(), caKey.get(), EVP_sha256());

  if (auto made = createDirectory(dir); !made) return fail(made.error());
  Certificates files = Certificates::in(dir);
  if (auto done = writeCertificate(files.ca, ca.get()); !done) return fail(done.error());
  if (auto done = writeCertificate(files.cert, server.get()); !done) return fail(done.error());
  const auto writeKey = [&](BIO* out) {
    PEM_write_bio_PrivateKey(out, key.get(), nullptr, nullptr, 0, nullptr, nullptr);
  };
  if (auto done = writePem(files.key, 0600, writeKey); !done) return fail(done.error());
  return files;
}

}  // namespace redline
