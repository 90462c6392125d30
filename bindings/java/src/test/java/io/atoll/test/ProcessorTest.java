package io.atoll.test;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.File;
import java.net.URI;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import javax.tools.Diagnostic;
import javax.tools.DiagnosticCollector;
import javax.tools.JavaCompiler;
import javax.tools.JavaFileObject;
import javax.tools.SimpleJavaFileObject;
import javax.tools.StandardJavaFileManager;
import javax.tools.ToolProvider;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What must not compile, and at which line it fails. */
class ProcessorTest {
    @TempDir
    File out;

    private List<Diagnostic<? extends JavaFileObject>> compile(String body) {
        return compileSource("package t;\nimport io.atoll.*;\nimport io.atoll.annotations.*;\n" + body);
    }

    private List<Diagnostic<? extends JavaFileObject>> compileSource(String text) {
        JavaFileObject source = new SimpleJavaFileObject(URI.create("string:///t/M.java"), JavaFileObject.Kind.SOURCE) {
            @Override
            public CharSequence getCharContent(boolean ignore) {
                return text;
            }
        };
        JavaCompiler compiler = ToolProvider.getSystemJavaCompiler();
        DiagnosticCollector<JavaFileObject> found = new DiagnosticCollector<>();
        StandardJavaFileManager files = compiler.getStandardFileManager(found, Locale.ROOT, null);
        compiler.getTask(null, files, found, Arrays.asList("-d", out.getPath(), "-cp", System.getProperty("java.class.path"),
                "-processorpath", System.getProperty("processor.jar"), "-Xlint:-options", "--release", "8"), null,
                Collections.singletonList(source)).call();
        return found.getDiagnostics();
    }

    private void fails(String body, long line, String text) {
        check(compile(body), line, text);
    }

    private static void check(List<Diagnostic<? extends JavaFileObject>> found, long line, String text) {
        StringBuilder all = new StringBuilder();
        for (Diagnostic<? extends JavaFileObject> d : found) {
            all.append(d).append('\n');
            if (d.getKind() == Diagnostic.Kind.ERROR && d.getLineNumber() == line && d.getMessage(Locale.ROOT).contains(text)) {
                return;
            }
        }
        throw new AssertionError("expected \"" + text + "\" at line " + line + ", got:\n" + all);
    }

    private static final String FIELD = "  private int a; public int getA() { return a; } public void setA(int v) { a = v; }\n";

    @Test
    void a_good_class_compiles() {
        for (Diagnostic<?> d : compile("public class M extends RealmObject {\n" + FIELD + "}\n")) {
            assertTrue(d.getKind() != Diagnostic.Kind.ERROR, d.toString());
        }
        assertTrue(new File(out, "t/MRealmProxy.class").exists());
        assertEquals(1, new File(out, "META-INF/services").list().length);
    }

    @Test
    void models_that_can_not_work_are_refused_where_they_stand() {
        fails("public final class M extends RealmObject {\n" + FIELD + "}\n", 4, "must not be final");
        fails("public class M extends RealmObject {\n  private int a;\n}\n", 5, "needs a getter and a setter");
        fails("public class M extends RealmObject {\n  public int a;\n}\n", 5, "must be private");
        fails("public class M extends RealmObject {\n  private Thread a;\n}\n", 5, "can't be stored");
        fails("public class M extends RealmObject {\n  @PrimaryKey private double a;\n}\n", 5, "@PrimaryKey is a");
        fails("public class M extends RealmObject {\n" + FIELD + "}\nclass N extends M {\n  private int b;\n}\n", 7, "directly");
        fails("@RealmClass public class M {\n" + FIELD + "}\n", 4, "implements RealmModel");
        check(compileSource("import io.atoll.*;\npublic class M extends RealmObject {\n" + FIELD + "}\n"), 2, "needs a package");
        fails("public class M extends RealmObject {\n  M(int x) {}\n" + FIELD + "}\n", 4, "constructor without parameters");
    }

    @Test
    void what_links_here_must_lead_here() {
        String other = "class H extends RealmObject {\n" + FIELD + "}\n";
        fails(other + "class M extends RealmObject {\n" + FIELD + "  @LinkingObjects(\"a\") private final RealmResults<H> h = null;\n}\n", 9,
                "no field of t.H that links to M");
        fails("class M extends RealmObject {\n" + FIELD + "  @LinkingObjects(\"a\") private final Object h = null;\n}\n", 6,
                "of type RealmResults");
    }

    @Test
    void asymmetric_classes_can_only_be_inserted() {
        String reading = "class R extends AsymmetricRealmObject {\n" + FIELD + "}\n";
        fails(reading + "class U { Object all(Realm r) {\n return r.where(R.class); } }\n", 8, "where");
        fails(reading + "class U { void add(Realm r, R o) {\n r.copyToRealm(o); } }\n", 8, "copyToRealm");
        fails("class R extends AsymmetricRealmObject {\n" + FIELD + "}\nclass H extends RealmObject {\n  private R a;\n}\n", 8,
                "asymmetric");
    }
}
