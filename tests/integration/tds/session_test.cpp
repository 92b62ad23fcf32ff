// Sessions with servers that answer by a script: what no server of ours does, and what a real one may do.
#include "tds/session.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <filesystem>

#include "base/error.h"
#include "tds/testing/scripted_server.h"

namespace tailrace::tds {
namespace {

using testing::bytes;
using testing::done;
using testing::let_in;
using testing::Listener;
using testing::Packet;
using testing::Peer;
using testing::prelogin_answer;

SessionSettings settings_of(const Listener& listener) {
  SessionSettings out;
  out.host = "127.0.0.1";
  out.port = listener.port();
  out.is_encrypted = false;
  out.user = "reader";
  out.password = Secret("p");
  out.database = "shop";
  return out;
}

// What opening throws; `said`: what the server said.
Error refusal(const SessionSettings& settings, std::vector<ServerMessage>& said) {
  try {
    Session session(settings, said);
  } catch (const Error& error) {
    return error;
  }
  ADD_FAILURE() << "nothing was thrown";
  return Error(ErrorKind::internal, "nothing");
}

std::string first_value(Session& session) {
  std::string out = "nothing";
  std::string scratch;
  for (Response::Event event; (event = session.response().next()) != Response::Event::end;) {
    if (event == Response::Event::row) out = as_text(*session.response().take_value(0, scratch));
  }
  return out;
}

const char* const one_row =
    "81 01 00 00 00 00 00 01 00 A5 0A 00 01 61 00 D1 02 00 6F 6B FD 10 00 C1 00 01 00 00 00 00 00 00 00";

TEST(TdsSession, RunsAStatement) {
  Listener listener([](Peer& peer) {
    let_in(peer);
    const Packet batch = peer.packet();
    EXPECT_EQ(batch.type, 0x01);
    EXPECT_EQ(batch.data.substr(22), bytes("78 00"));
    peer.answer(bytes(one_row));
  });
  std::vector<ServerMessage> said;
  Session session(settings_of(listener), said);
  session.run("x", {});
  EXPECT_EQ(first_value(session), "ok");
}

// A listener of an availability group leads to another server, which is then logged in to by its own name.
TEST(TdsSession, GoesWhereItIsRouted) {
  Packet second;
  Listener secondary([&](Peer& peer) { second = let_in(peer); });
  Listener listener([&](Peer& peer) {
    std::string routing = bytes("E3 1C 00 14 17 00 00");
    routing += static_cast<char>(secondary.port() & 0xFF);
    routing += static_cast<char>(secondary.port() >> 8);
    routing += bytes("09 00 6C 00 6F 00 63 00 61 00 6C 00 68 00 6F 00 73 00 74 00 00 00");
    let_in(peer, routing);
  });
  std::vector<ServerMessage> said;
  {
    Session session(settings_of(listener), said);
    EXPECT_TRUE(session.is_usable());
  }
  secondary.wait();
  Reader place(as_bytes(second.data).subspan(52));
  const std::size_t at = place.u16();
  EXPECT_EQ(second.data.substr(at, 18), utf16le_from_utf8("localhost"));
}

TEST(TdsSession, HandsOnWhatARefusalSays) {
  Listener listener([](Peer& peer) {
    peer.packet();
    peer.answer(prelogin_answer("02"));
    peer.packet();
    peer.answer(
        bytes("AA 12 00 18 48 00 00 01 0E 02 00 6E 00 6F 00 00 00 01 00 00 00"
              "FD 02 00 00 00 00 00 00 00 00 00 00 00"));
  });
  std::vector<ServerMessage> said;
  EXPECT_EQ(refusal(settings_of(listener), said).kind(), ErrorKind::unavailable);
  ASSERT_EQ(said.size(), 1u);
  EXPECT_EQ(said[0].number, 18456);
}

// Whoever wants encryption must not send a password without it, and the reverse is told as what it is.
TEST(TdsSession, AgreesOnEncryptionOrEnds) {
  std::vector<ServerMessage> said;
  for (const char* offered : {"00", "02"}) {
    Listener listener([&](Peer& peer) {
      peer.packet();
      peer.answer(prelogin_answer(offered));
      EXPECT_EQ(peer.packet().type, 0) << "no login";
    });
    SessionSettings settings = settings_of(listener);
    settings.is_encrypted = true;
    EXPECT_THAT(refusal(settings, said).what(), ::testing::HasSubstr("offers no encryption"));
  }
  Listener listener([&](Peer& peer) {
    peer.packet();
    peer.answer(prelogin_answer("03"));
    EXPECT_EQ(peer.packet().type, 0) << "no login";
  });
  EXPECT_THAT(refusal(settings_of(listener), said).what(), ::testing::HasSubstr("wants encryption"));
}

TEST(TdsSession, KnowsThatWhatAnswersIsNoServer) {
  Listener listener([](Peer& peer) {
    peer.packet();
    peer.send("HTTP/1.1 400 Bad Request\r\n\r\n");
  });
  std::vector<ServerMessage> said;
  EXPECT_EQ(refusal(settings_of(listener), said).kind(), ErrorKind::protocol);
}

TEST(TdsSession, SendsPacketsAsLargeAsTheServerTakes) {
  std::vector<std::size_t> sizes;
  Listener listener([&](Peer& peer) {
    let_in(peer, bytes("E3 11 00 04 03 35 00 31 00 32 00 04 34 00 30 00 39 00 36 00"));
    for (std::size_t sent = 0; sent < 22 + 2'000;) {
      sizes.push_back(peer.packet().data.size());
      sent += sizes.back();
    }
    peer.answer(bytes(done));
  });
  std::vector<ServerMessage> said;
  Session session(settings_of(listener), said);
  EXPECT_EQ(session.state().packet_bytes, 512u);
  session.run(std::string(1'000, 'x'), {});
  EXPECT_EQ(first_value(session), "nothing");
  listener.wait();
  EXPECT_EQ(sizes, (std::vector<std::size_t>{504, 504, 504, 504, 6}));
}

// A statement left in its middle: the server hears of it, and the same connection takes the next one.
TEST(TdsSession, GoesOnAfterACancel) {
  Listener listener([](Peer& peer) {
    let_in(peer);
    peer.packet();
    peer.send(testing::packet(bytes(one_row).substr(0, 20), /*is_last=*/false));
    EXPECT_EQ(peer.packet().type, 0x06) << "an attention";
    // The rest of what was on its way, then the answer to the attention as a message of its own.
    peer.send(testing::packet(bytes(one_row).substr(20), /*is_last=*/true));
    peer.answer(bytes("FD 20 00 00 00 00 00 00 00 00 00 00 00"));
    peer.packet();
    peer.answer(bytes(one_row));
  });
  std::vector<ServerMessage> said;
  Session session(settings_of(listener), said);
  session.run("endless", {});
  EXPECT_EQ(session.response().next(), Response::Event::columns);
  session.cancel();
  ASSERT_TRUE(session.is_usable());
  session.run("x", {});
  EXPECT_EQ(first_value(session), "ok");
}

// Left in the middle of a row, and of a value whose rest looks like the answer to the attention: the next statement must
// not begin inside it.
TEST(TdsSession, GoesOnAfterACancelInsideARow) {
  const std::string broken_off = bytes("FD 20 00 00 00 00 00 00 00 00 00 00 00");
  std::string rest = broken_off;
  rest += rest;
  const std::string row = bytes(
                              "81 02 00 00 00 00 00 01 00 26 04 01 69 00 00 00 00 00 01 00 A5 FF FF 01 61 00"
                              "D1 04 07 00 00 00 FE FF FF FF FF FF FF FF 1A 00 00 00") +
                          rest.substr(0, 4);
  const std::string behind = rest.substr(4) + bytes("00 00 00 00 FD 10 00 C1 00 01 00 00 00 00 00 00 00");
  for (const bool in_one_message : {false, true}) {
    Listener listener([&](Peer& peer) {
      let_in(peer);
      peer.packet();
      peer.send(testing::packet(row, /*is_last=*/false));
      EXPECT_EQ(peer.packet().type, 0x06) << "an attention";
      peer.send(testing::packet(behind.substr(0, 22), /*is_last=*/false));
      if (in_one_message) {
        peer.answer(behind.substr(22) + broken_off);
      } else {
        peer.answer(behind.substr(22));
        peer.answer(broken_off);
      }
      EXPECT_EQ(peer.packet().type, 0x01) << "the next statement";
      peer.answer(bytes(one_row));
    });
    std::vector<ServerMessage> said;
    Session session(settings_of(listener), said);
    session.run("endless", {});
    EXPECT_EQ(session.response().next(), Response::Event::columns);
    EXPECT_EQ(session.response().next(), Response::Event::row);
    std::string scratch;
    EXPECT_EQ(as_text(*session.response().take_value(0, scratch)), bytes("07 00 00 00"));
    session.cancel();
    ASSERT_TRUE(session.is_usable());
    session.run("x", {});
    EXPECT_EQ(first_value(session), "ok");
  }
}

// A response that nobody has asked for would be taken for the next statement's; one that comes with PRELOGIN's, before
// TLS, could be anybody's.
TEST(TdsSession, TakesNothingForAnAnswerThatCameBeforeItsQuestion) {
  {
    Listener listener([](Peer& peer) {
      let_in(peer);
      peer.packet();
      peer.send(testing::message(bytes(one_row), 100) + testing::message(bytes(done), 100));
      EXPECT_NE(peer.packet().type, 0x01) << "no second statement";
    });
    std::vector<ServerMessage> said;
    Session session(settings_of(listener), said);
    session.run("x", {});
    EXPECT_EQ(first_value(session), "ok");
    EXPECT_THROW(session.run("y", {}), Error);
    session.give_up();
  }
  Listener listener([](Peer& peer) {
    peer.packet();
    peer.send(testing::message(prelogin_answer("02"), 100) +
              testing::message(bytes(testing::login_ack) + bytes(done), 100));
    EXPECT_EQ(peer.packet().type, 0) << "no login";
  });
  std::vector<ServerMessage> said;
  EXPECT_EQ(refusal(settings_of(listener), said).kind(), ErrorKind::protocol);
}

TEST(TdsSession, EndsWhereNobodyAnswersAnAttention) {
  Listener listener([](Peer& peer) {
    let_in(peer);
    peer.packet();
    peer.send(testing::packet(bytes(one_row).substr(0, 20), /*is_last=*/false));
    while (peer.packet().type != 0) {
    }
  });
  std::vector<ServerMessage> said;
  SessionSettings settings = settings_of(listener);
  settings.login_timeout = std::chrono::milliseconds(300);
  Session session(settings, said);
  session.run("endless", {});
  EXPECT_EQ(session.response().next(), Response::Event::columns);
  session.cancel();
  EXPECT_FALSE(session.is_usable());
  EXPECT_THROW(session.run("x", {}), Error);
}

TEST(TdsSession, DoesNotWaitForever) {
  Listener listener([](Peer& peer) {
    let_in(peer);
    while (peer.packet().type != 0) {
    }
  });
  std::vector<ServerMessage> said;
  SessionSettings settings = settings_of(listener);
  settings.query_timeout = std::chrono::milliseconds(50);
  Session session(settings, said);
  session.run("x", {});
  try {
    session.response().next();
    ADD_FAILURE() << "nothing was thrown";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::unavailable);
    EXPECT_EQ(error.context("sqlstate"), "HYT00");
  }
}

// A certificate for the name `sql.example.com`, that signs itself, and a server's context with it.
class Certificate {
 public:
  Certificate()
      : key_(::EVP_RSA_gen(2048)),
        certificate_(::X509_new()),
        context_(::SSL_CTX_new(::TLS_server_method())) {
    ::X509_set_version(certificate_, 2);
    ::ASN1_INTEGER_set(::X509_get_serialNumber(certificate_), 1);
    ::X509_gmtime_adj(::X509_getm_notBefore(certificate_), -3'600);
    ::X509_gmtime_adj(::X509_getm_notAfter(certificate_), 3'600);
    ::X509_set_pubkey(certificate_, key_);
    X509_NAME* name = ::X509_get_subject_name(certificate_);
    ::X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
                                 reinterpret_cast<const unsigned char*>("sql.example.com"), -1, -1, 0);
    ::X509_set_issuer_name(certificate_, name);
    X509_EXTENSION* names =
        ::X509V3_EXT_conf_nid(nullptr, nullptr, NID_subject_alt_name, "DNS:sql.example.com");
    ::X509_add_ext(certificate_, names, -1);
    ::X509_EXTENSION_free(names);
    ::X509_sign(certificate_, key_, ::EVP_sha256());
    ::SSL_CTX_use_certificate(context_, certificate_);
    ::SSL_CTX_use_PrivateKey(context_, key_);
    ::SSL_CTX_set_alpn_select_cb(
        context_,
        [](SSL*, const unsigned char** out, unsigned char* size, const unsigned char* offered, unsigned,
           void*) {
          *size = offered[0];
          *out = offered + 1;
          return SSL_TLSEXT_ERR_OK;
        },
        nullptr);
    std::string path = (std::filesystem::temp_directory_path() / "tds-certificate-XXXXXX").string();
    const int handle = ::mkstemp(path.data());
    BIO* file = ::BIO_new_fd(handle, BIO_CLOSE);
    ::PEM_write_bio_X509(file, certificate_);
    ::BIO_free(file);
    path_ = path;
  }
  ~Certificate() {
    std::filesystem::remove(path_);
    ::SSL_CTX_free(context_);
    ::X509_free(certificate_);
    ::EVP_PKEY_free(key_);
  }
  Certificate(const Certificate&) = delete;
  Certificate& operator=(const Certificate&) = delete;

  SSL_CTX* context() const { return context_; }
  const std::string& path() const { return path_; }

 private:
  EVP_PKEY* key_;
  X509* certificate_;
  SSL_CTX* context_;
  std::string path_;
};

// [MS-TDS] 3.2.5.1: TLS with ALPN tds/8.0 before everything else, and a login that says so.
TEST(TdsSession, IsEncryptedFromTheFirstByteWhereStrict) {
  const Certificate certificate;
  Listener listener([&](Peer& peer) {
    peer.accept_tls(certificate.context());
    EXPECT_EQ(peer.alpn(), "tds/8.0");
    const Packet login = let_in(peer);
    EXPECT_EQ(login.data.substr(4, 4), bytes("00 00 00 08"));
    peer.packet();
    peer.answer(bytes(one_row));
  });
  SessionSettings settings = settings_of(listener);
  settings.is_encrypted = true;
  settings.tls = {true, certificate.path(), "sql.example.com", true};
  std::vector<ServerMessage> said;
  Session session(settings, said);
  session.run("x", {});
  EXPECT_EQ(first_value(session), "ok");
}

TEST(TdsSession, TrustsNobodyWhoCannotProveItsName) {
  const Certificate certificate;
  const auto refused = [&](const std::string& name, const std::string& authorities) {
    Listener listener([&](Peer& peer) { EXPECT_THROW(peer.accept_tls(certificate.context()), Error); });
    SessionSettings settings = settings_of(listener);
    settings.is_encrypted = true;
    settings.tls = {true, authorities, name, true};
    std::vector<ServerMessage> said;
    return refusal(settings, said);
  };
  EXPECT_EQ(refused("other.example.com", certificate.path()).kind(), ErrorKind::unavailable);
  EXPECT_EQ(refused("127.0.0.1", certificate.path()).kind(), ErrorKind::unavailable);
  EXPECT_EQ(refused("sql.example.com", "").kind(), ErrorKind::unavailable);
}

TEST(TdsSession, SaysThatAuthoritiesAreNotToBeRead) {
  Listener listener([](Peer& peer) { EXPECT_EQ(peer.packet().type, 0); });
  SessionSettings settings = settings_of(listener);
  settings.is_encrypted = true;
  settings.tls = {true, "/nowhere/ca.pem", "sql.example.com", true};
  std::vector<ServerMessage> said;
  EXPECT_EQ(refusal(settings, said).kind(), ErrorKind::config);
}

}  // namespace
}  // namespace tailrace::tds
