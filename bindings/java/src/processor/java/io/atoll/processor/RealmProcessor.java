package io.atoll.processor;

import java.io.IOException;
import java.io.Writer;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import javax.annotation.processing.AbstractProcessor;
import javax.annotation.processing.RoundEnvironment;
import javax.annotation.processing.SupportedAnnotationTypes;
import javax.lang.model.SourceVersion;
import javax.lang.model.element.Element;
import javax.lang.model.element.TypeElement;
import javax.lang.model.util.ElementFilter;
import javax.tools.Diagnostic;
import javax.tools.StandardLocation;

/**
 * Makes a subclass for each model class, whose accessors read and write the realm, and one mediator that lists them.
 * Classes that extend RealmObject need no annotation, so it looks at every class.
 */
@SupportedAnnotationTypes("*")
public final class RealmProcessor extends AbstractProcessor {
    private final List<ModelClass> models = new ArrayList<>();
    private boolean written;

    @Override
    public SourceVersion getSupportedSourceVersion() {
        return SourceVersion.latestSupported();
    }

    @Override
    public boolean process(Set<? extends TypeElement> annotations, RoundEnvironment round) {
        ModelReader reader = new ModelReader(processingEnv);
        int before = models.size();
        for (Element root : round.getRootElements()) {
            if (root instanceof TypeElement) {
                collect(reader, (TypeElement) root);
            }
        }
        try {
            for (ModelClass model : models.subList(before, models.size())) {
                write(model.qualifiedProxy(), new ProxyWriter().proxy(model), model.element);
            }
            if (!written && !models.isEmpty()) {
                written = true;
                writeMediator();
            }
        } catch (IOException e) {
            processingEnv.getMessager().printMessage(Diagnostic.Kind.ERROR, "can't write generated classes: " + e);
        }
        return false;
    }

    private void collect(ModelReader reader, TypeElement type) {
        if (reader.isModel(type)) {
            ModelClass model = reader.read(type);
            if (model != null) {
                models.add(model);
            }
        }
        for (TypeElement inner : ElementFilter.typesIn(type.getEnclosedElements())) {
            collect(reader, inner);
        }
    }

    // Named after its classes, so that the mediators of several JARs don't meet.
    private void writeMediator() throws IOException {
        StringBuilder names = new StringBuilder();
        for (ModelClass model : models) {
            names.append(model.qualifiedProxy()).append(' ');
        }
        String name = "Mediator" + Integer.toHexString(names.toString().hashCode());
        write("io.atoll.generated." + name, new ProxyWriter().mediator(name, models));
        try (Writer out = processingEnv.getFiler().createResource(StandardLocation.CLASS_OUTPUT, "",
                "META-INF/services/io.atoll.internal.Mediator").openWriter()) {
            out.write("io.atoll.generated." + name + "\n");
        }
    }

    private void write(String name, String source, Element... from) throws IOException {
        try (Writer out = processingEnv.getFiler().createSourceFile(name, from).openWriter()) {
            out.write(source);
        }
    }
}
