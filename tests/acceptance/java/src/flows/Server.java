package flows;

import java.io.BufferedReader;
import java.io.File;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;

/** An atolld of our own: starts, is killed, starts again on the same port and data; and its administration. */
final class Server implements AutoCloseable {
    static final int LIMIT_S = 30;

    /** One stream that the server has or had. */
    static final class Stream {
        String user;
        String partition;
        long number;
        boolean open;
        long messagesIn;
        long messagesOut;
        long rowsIn;
        long rowsOut;

        String counters() {
            return number + " " + messagesIn + " " + messagesOut + " " + rowsIn + " " + rowsOut;
        }
    }

    final File folder;
    private final File data;
    private Process process;
    private int port;

    Server() throws Exception {
        folder = Files.createTempDirectory("atoll-java").toFile();
        data = new File(folder, "data");
        start();
    }

    String url() {
        return "http://127.0.0.1:" + port;
    }

    void start() throws Exception {
        File portFile = new File(folder, "port");
        portFile.delete();
        process = new ProcessBuilder(System.getProperty("atolld"), "--data", data.getPath(), "--listen", "127.0.0.1:" + port,
                "--port-file", portFile.getPath()).redirectErrorStream(true)
                .redirectOutput(ProcessBuilder.Redirect.appendTo(new File(folder, "atolld.log"))).start();
        until("atolld listens", () -> {
            if (!process.isAlive()) {
                throw new IllegalStateException("atolld did not start: "
                        + new String(Files.readAllBytes(new File(folder, "atolld.log").toPath()), StandardCharsets.UTF_8));
            }
            return portFile.length() > 0;
        });
        String text = new String(Files.readAllBytes(portFile.toPath()), StandardCharsets.UTF_8).trim();
        port = Integer.parseInt(text.substring(text.lastIndexOf(':') + 1));
    }

    void kill() throws Exception {
        process.destroyForcibly().waitFor();
    }

    private List<String> admin(String... question) throws IOException {
        List<String> command = new ArrayList<>(Arrays.asList("/usr/bin/python3", System.getProperty("admin"), data.getPath(),
                String.valueOf(port)));
        command.addAll(Arrays.asList(question));
        Process asked = new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.INHERIT).start();
        List<String> lines = new ArrayList<>();
        try (BufferedReader in = new BufferedReader(new InputStreamReader(asked.getInputStream(), StandardCharsets.UTF_8))) {
            for (String line = in.readLine(); line != null; line = in.readLine()) {
                lines.add(line);
            }
        }
        return lines;
    }

    /** The streams of a user over one partition, ended ones too; the partition null: all. */
    List<Stream> streams(String app, String user, String partition) throws IOException {
        List<Stream> found = new ArrayList<>();
        for (String line : admin("sessions", app)) {
            String[] parts = line.split(" ");
            Stream stream = new Stream();
            stream.user = parts[0];
            stream.partition = parts[1];
            stream.number = Long.parseLong(parts[2]);
            stream.open = parts[3].equals("1");
            stream.messagesIn = Long.parseLong(parts[4]);
            stream.messagesOut = Long.parseLong(parts[5]);
            stream.rowsIn = Long.parseLong(parts[6]);
            stream.rowsOut = Long.parseLong(parts[7]);
            if (stream.user.equals(user) && (partition == null || stream.partition.equals(partition))) {
                found.add(stream);
            }
        }
        return found;
    }

    long rowsOut(String app, String user, String partition) throws IOException {
        long rows = 0;
        for (Stream stream : streams(app, user, partition)) {
            rows += stream.rowsOut;
        }
        return rows;
    }

    /** What arrived one way, as one line of JSON. */
    String ingested(String app) throws IOException {
        return String.join("\n", admin("ingest", app));
    }

    static void until(String what, Callable<Boolean> check) throws Exception {
        long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(LIMIT_S);
        while (!check.call()) {
            if (System.nanoTime() > end) {
                throw new AssertionError("it did not happen within " + LIMIT_S + " s: " + what);
            }
            Thread.sleep(20);
        }
    }

    static void require(boolean condition, String what) {
        if (!condition) {
            throw new AssertionError(what);
        }
    }

    @Override
    public void close() throws Exception {
        process.destroy();
        require(process.waitFor(LIMIT_S, TimeUnit.SECONDS), "atolld did not end after SIGTERM");
        require(process.exitValue() == 0, "atolld ended with " + process.exitValue() + " after SIGTERM");
        delete(folder);
    }

    private static void delete(File file) {
        File[] inner = file.listFiles();
        if (inner != null) {
            for (File each : inner) {
                delete(each);
            }
        }
        file.delete();
    }
}
