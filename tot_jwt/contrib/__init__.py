"""What connects tot_jwt to other packages. Each module needs a package that an extra installs."""
