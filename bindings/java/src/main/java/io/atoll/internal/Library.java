package io.atoll.internal;

import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * Loads the native libraries once: from the folder in {@code -Dio.atoll.library.path}, else the copies inside the JAR.
 */
public final class Library {
    private static final String[] NAMES = {"libatoll.so", "libatoll_java.so"};
    private static boolean loaded;

    private Library() {
    }

    public static synchronized void load() {
        if (loaded) {
            return;
        }
        String folder = System.getProperty("io.atoll.library.path");
        if (folder != null) {
            for (String name : NAMES) {
                File file = find(folder, name);
                if (file != null) {
                    System.load(file.getAbsolutePath());
                } else if (name.equals(NAMES[1])) {
                    throw new UnsatisfiedLinkError("no " + name + " in " + folder + " (io.atoll.library.path)");
                }
            }
        } else {
            loadFromJar();
        }
        NativeException.setFactory(new NativeException.Factory() {
            @Override
            public RuntimeException make(int status, String message, boolean retryable) {
                return Errors.make(status, message, retryable);
            }
        });
        loaded = true;
    }

    // The path may list several folders: the core and the wrapper lie apart in a build.
    private static File find(String folders, String name) {
        for (String folder : folders.split(File.pathSeparator)) {
            File file = new File(folder, name);
            if (file.exists()) {
                return file;
            }
        }
        return null;
    }

    private static void loadFromJar() {
        String machine = System.getProperty("os.arch").replace("amd64", "x86_64");
        String root = "/native/linux-" + machine + "/";
        try {
            Path folder = Files.createTempDirectory("atoll");
            for (String name : NAMES) {
                Path file = folder.resolve(name);
                try (InputStream in = Library.class.getResourceAsStream(root + name)) {
                    if (in == null) {
                        throw new UnsatisfiedLinkError("the JAR has no " + root + name
                                + ": this platform is not supported yet; build the library and set io.atoll.library.path");
                    }
                    try (OutputStream out = Files.newOutputStream(file)) {
                        byte[] buffer = new byte[65536];
                        for (int n = in.read(buffer); n > 0; n = in.read(buffer)) {
                            out.write(buffer, 0, n);
                        }
                    }
                }
            }
            // Both must lie there while the second loads, which finds the first beside itself.
            for (String name : NAMES) {
                System.load(folder.resolve(name).toString());
            }
            for (String name : NAMES) {
                Files.delete(folder.resolve(name));
            }
            Files.delete(folder);
        } catch (IOException e) {
            throw new UnsatisfiedLinkError("can't unpack the native library: " + e);
        }
    }
}
