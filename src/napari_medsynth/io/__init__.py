"""One case in or out: NIfTI, MetaImage, NRRD, DICOM, PNG, written whole or not at all."""
