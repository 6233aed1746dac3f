import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.MessageDigest;
import java.security.PublicKey;
import java.security.Signature;
import java.security.spec.X509EncodedKeySpec;
import java.time.Instant;
import java.util.Base64;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executors;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

/**
 * A receiver of Roadwatch webhooks in plain Java 17: checks the signature of either kind, drops what it has had, tells what is lacking, prints the rest.
 *
 * <pre>WEBHOOK_SECRET=whsec_... java Receiver.java 8000        (or whpk_..., the public key of an ed25519 endpoint)</pre>
 *
 * To check one request that you have kept: java Receiver.java check ID TIMESTAMP SIGNATURES &lt; body   (exit code 0: genuine)
 */
public final class Receiver {
    private static final long TOLERANCE_S = 300;
    private static final TreeSet<Long> LACKING = new TreeSet<>();
    private static long highest = 0;
    private static final byte[] ED25519_HEAD = {0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00};

    /** Whether a request was made by the holder of the key, within five minutes; body are the bytes as they came. */
    static boolean genuine(String key, String id, String timestamp, String signatures, byte[] body) throws GeneralSecurityException {
        if (!timestamp.matches("[0-9]{1,12}") || Math.abs(Instant.now().getEpochSecond() - Long.parseLong(timestamp)) > TOLERANCE_S) {
            return false;
        }
        byte[] head = (id + "." + timestamp + ".").getBytes(StandardCharsets.UTF_8);
        byte[] text = new byte[head.length + body.length];
        System.arraycopy(head, 0, text, 0, head.length);
        System.arraycopy(body, 0, text, head.length, body.length);
        boolean found = false;
        for (String one : signatures.split(" ")) {
            found |= right(key, one, text);
        }
        return found;
    }

    private static boolean right(String key, String signature, byte[] text) throws GeneralSecurityException {
        byte[] raw = Base64.getDecoder().decode(key.substring(key.indexOf('_') + 1));
        byte[] given;
        try {
            given = Base64.getDecoder().decode(signature.substring(signature.indexOf(',') + 1));
        } catch (IllegalArgumentException notBase64) {
            return false;
        }
        if (key.startsWith("whsec_") && signature.startsWith("v1,")) {
            Mac mac = Mac.getInstance("HmacSHA256");
            mac.init(new SecretKeySpec(raw, "HmacSHA256"));
            return MessageDigest.isEqual(mac.doFinal(text), given);
        }
        if (key.startsWith("whpk_") && signature.startsWith("v1a,")) {
            byte[] encoded = new byte[ED25519_HEAD.length + raw.length];
            System.arraycopy(ED25519_HEAD, 0, encoded, 0, ED25519_HEAD.length);
            System.arraycopy(raw, 0, encoded, ED25519_HEAD.length, raw.length);
            PublicKey known = KeyFactory.getInstance("Ed25519").generatePublic(new X509EncodedKeySpec(encoded));
            Signature verifier = Signature.getInstance("Ed25519");
            verifier.initVerify(known);
            verifier.update(text);
            return given.length == 64 && verifier.verify(given);
        }
        return false;
    }

    private static void take(HttpExchange exchange, String key, Set<String> had) throws IOException {
        byte[] body = exchange.getRequestBody().readAllBytes();
        String id = header(exchange, "webhook-id");
        boolean genuine;
        try {
            genuine = genuine(key, id, header(exchange, "webhook-timestamp"), header(exchange, "webhook-signature"), body);
        } catch (GeneralSecurityException error) {
            genuine = false;
        }
        exchange.sendResponseHeaders(genuine ? 204 : 401, -1);
        exchange.close();
        if (genuine && had.add(id)) {
            count(header(exchange, "webhook-number"));
            System.out.println(new String(body, StandardCharsets.UTF_8));
        }
    }

    /** Tells which deliveries have not come: on their way still, or lost. Begins with the first number it sees; pings and tests have none. */
    static synchronized void count(String number) {
        if (number.isEmpty()) {
            return;
        }
        long given = Long.parseLong(number);
        for (long one = highest + 1; highest > 0 && one < given; one++) {
            LACKING.add(one);
        }
        highest = Math.max(highest, given);
        LACKING.remove(given);
        if (!LACKING.isEmpty()) {
            System.out.println("lacking " + LACKING);
        }
    }

    private static String header(HttpExchange exchange, String name) {
        String found = exchange.getRequestHeaders().getFirst(name);
        return found == null ? "" : found;
    }

    public static void main(String[] arguments) throws Exception {
        String key = System.getenv("WEBHOOK_SECRET");
        if (arguments[0].equals("check")) {
            System.exit(genuine(key, arguments[1], arguments[2], arguments[3], System.in.readAllBytes()) ? 0 : 1);
        }
        Set<String> had = ConcurrentHashMap.newKeySet();
        HttpServer server = HttpServer.create(new InetSocketAddress("127.0.0.1", Integer.parseInt(arguments[0])), 0);
        server.setExecutor(Executors.newFixedThreadPool(8));
        server.createContext("/", exchange -> take(exchange, key, had));
        server.start();
    }
}
