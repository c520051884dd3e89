#include "transport/tls_session.h"

#include <fmt/format.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <limits>

namespace redline {
namespace {

constexpr std::size_t kRecord = 16 * 1024;  ///< of plain text at most in a record of TLS

/// The name or address that the peer's certificate must be made out to.
void expectName(SSL* session, const std::string& name) {
  X509_VERIFY_PARAM* const wanted = SSL_get0_param(session);
  if (X509_VERIFY_PARAM_set1_ip_asc(wanted, name.c_str()) == 1) return;
  SSL_set1_host(session, name.c_str());
  // SSL_set_tlsext_host_name() is a macro with a cast of the old style.
  std::string sent = name;
  SSL_ctrl(session, SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name, sent.data());
}

std::string certificateProblem(long result) {
  switch (result) {
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
      return "has a certificate by a CA that is not known here: name the CA's file with -tls-ca";
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
      return "has a certificate that is made out to another name: connect to that name, or give it "
             "with -tls-sni";
    case X509_V_ERR_CERT_HAS_EXPIRED:
    case X509_V_ERR_CERT_NOT_YET_VALID:
      return "has a certificate that is not valid today: renew it, or look at this machine's clock";
    default:
      return fmt::format("has a certificate that cannot be trusted: {}",
                         X509_verify_cert_error_string(result));
  }
}

std::string protocolProblem(unsigned long code) {
  switch (ERR_GET_REASON(code)) {
    case SSL_R_WRONG_VERSION_NUMBER:
    case SSL_R_HTTP_REQUEST:
    case SSL_R_PACKET_LENGTH_TOO_LONG:
    case SSL_R_UNEXPECTED_MESSAGE:
      return "does not speak TLS: leave out -tls, or name its TLS port";
    case SSL_R_TLSV13_ALERT_CERTIFICATE_REQUIRED:
    case SSL_R_SSLV3_ALERT_HANDSHAKE_FAILURE:
    case SSL_R_SSLV3_ALERT_BAD_CERTIFICATE:
    case SSL_R_TLSV1_ALERT_UNKNOWN_CA:
      return "asks for a certificate of ours that it trusts: name one with -tls-cert and -tls-key";
    default:
      break;
  }
  const char* const reason = ERR_reason_error_string(code);
  return fmt::format("ended the TLS connection: {}", reason == nullptr ? "unknown reason" : reason);
}

}  // namespace

void TlsSession::Free::operator()(ssl_st* session) const {
  SSL_free(session);
}

TlsSession::TlsSession(const TlsContext& context, const std::string& host)
    : session_(SSL_new(context.get())) {
  SSL_set_bio(session_.get(), BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
  SSL_set_connect_state(session_.get());
  const TlsOptions& options = context.options();
  if (!options.insecure || !options.name.empty())
    expectName(session_.get(), options.name.empty() ? host : options.name);
  greet();
}

void TlsSession::greet() {
  ERR_clear_error();
  const int done = SSL_do_handshake(session_.get());
  if (done != 1) return finish(done);
  state_ = State::open;
  encrypt(waiting_.view());
  waiting_.clear();
}

void TlsSession::receive(std::string_view bytes, InBuffer& plain) {
  while (!bytes.empty() && state_ != State::failed) {
    const auto piece = std::min<std::size_t>(bytes.size(), std::numeric_limits<int>::max());
    BIO_write(SSL_get_rbio(session_.get()), bytes.data(), static_cast<int>(piece));
    bytes.remove_prefix(piece);
    if (state_ == State::greeting) greet();
    if (state_ == State::open) readInto(plain);
  }
}

void TlsSession::readInto(InBuffer& plain) {
  for (;;) {
    const std::span<char> space = plain.space(kRecord);
    std::size_t got = 0;
    ERR_clear_error();
    const int read = SSL_read_ex(session_.get(), space.data(), space.size(), &got);
    if (read != 1) return finish(read);
    plain.commit(got);
  }
}

void TlsSession::write(std::string_view plain) {
  if (state_ == State::greeting)
    waiting_.append(plain);
  else
    encrypt(plain);
}

void TlsSession::encrypt(std::string_view plain) {
  if (plain.empty() || state_ != State::open) return;
  std::size_t put = 0;
  ERR_clear_error();
  // A BIO in memory takes everything: SSL_write_ex() writes all or fails.
  const int written = SSL_write_ex(session_.get(), plain.data(), plain.size(), &put);
  if (written != 1) finish(written);
}

void TlsSession::take(OutBuffer& out) {
  BIO* const pending = SSL_get_wbio(session_.get());
  const std::size_t bytes = BIO_ctrl_pending(pending);
  if (bytes == 0) return;
  char* const into = out.reserve(bytes);
  const int got = BIO_read(pending, into, static_cast<int>(bytes));
  if (got > 0) out.commit(into + got);
}

/// What a call that did not succeed means.
void TlsSession::finish(int returned) {
  switch (SSL_get_error(session_.get(), returned)) {
    case SSL_ERROR_WANT_READ:
    case SSL_ERROR_WANT_WRITE:
      return;
    case SSL_ERROR_ZERO_RETURN:
      state_ = State::ended;
      return;
    default:
      break;
  }
  const unsigned long code = ERR_get_error();
  const long verified = SSL_get_verify_result(session_.get());
  const bool distrusted = ERR_GET_REASON(code) == SSL_R_CERTIFICATE_VERIFY_FAILED;
  problem_ = distrusted ? certificateProblem(verified) : protocolProblem(code);
  state_ = State::failed;
  ERR_clear_error();
}

}  // namespace redline
