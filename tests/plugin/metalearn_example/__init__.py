"""One plug-in of each kind for metalearn, each as small as it can be."""
